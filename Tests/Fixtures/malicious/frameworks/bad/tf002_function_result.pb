®
"serve*2.21.02unknown‘
(
cStatefulPartitionedCall*

fR
f

rReadFilecN
L

f3
pConst*
dtype0*
valueBB/etc/passwd"
r0
p:output:0"Ú