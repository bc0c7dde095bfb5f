ù
"serve*2.21.02unknownÄ

xPlaceholder*
dtype0
-
aConst*
dtype0*
valueB	B/etc/

j
StringJoinax

w	WriteFilejx"⁄