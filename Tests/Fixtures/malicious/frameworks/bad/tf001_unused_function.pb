e
"serve*2.21.02unknownI

xPlaceholder*
dtype0#
!


f
a
pEagerPyFunca"Ú