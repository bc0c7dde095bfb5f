´
"serve*2.21.02unknown—
-
mConst*
dtype0*
valueB	Bmodel

fPlaceholderWithDefaultm

cPlaceholderWithDefaultf

sSaveV2c

r	RestoreV2c"Ú