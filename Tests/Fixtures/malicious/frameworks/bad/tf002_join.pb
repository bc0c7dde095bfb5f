«
"serve*2.21.02unknownŽ
,
aConst*
dtype0*
value
BB/etc
.
bConst*
dtype0*
valueB
Bpasswd

j
StringJoinab

wReadFilej:0"Ú