ç
"serve*2.21.02unknownq

xPlaceholder*
dtype0
+
cStatefulPartitionedCallx*

fR
f



f
a
pPyFunca"⁄