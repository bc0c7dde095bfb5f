‰
"serve*2.21.02unknownm
3
pConst*
dtype0*
valueBB/etc/passwd
	
cfp&
$

f
path
rReadFilepath"Ú