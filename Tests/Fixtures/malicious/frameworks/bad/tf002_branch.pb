ÿ
"serve*2.21.02unknownâ

xPlaceholder*
dtype0
3
pConst*
dtype0*
valueBB/etc/passwd
9
cIfxp*
then_branchR
f*
else_branchR
gL
$

f
path
rReadFilepath
$

g
path
iIdentitypath"Ú