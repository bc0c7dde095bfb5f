¬
"serve*2.21.02unknown
3
pConst*
dtype0*
valueBB/etc/passwd
+
cStatefulPartitionedCallp*

fR
f&
$

f
path
rReadFilepath"Ú