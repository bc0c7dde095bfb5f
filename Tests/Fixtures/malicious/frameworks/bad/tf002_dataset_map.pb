»
"serve*2.21.02unknownž
3
pConst*
dtype0*
valueBB/etc/passwd

sTensorSliceDatasetp

m
MapDatasets*

fR
f&
$

f
path
rReadFilepath"Ú