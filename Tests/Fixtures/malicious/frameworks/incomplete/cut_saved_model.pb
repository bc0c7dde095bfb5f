§
"serve*2.21.02unknownŠ

xPlaceholder*
dtype0
.
pConst*
dtype0*
valueB
B/etc/x

n0Relux

n1Relux

n2Relux

n3Relux

n4Relux

n5Relux

n6Relux

n7Relux

n8Relux

n9Relux

n10Relux

n11Relux

n12Relux

n13Relux

n14Relux

n15Relux

n16Relux

n17Relux

n18