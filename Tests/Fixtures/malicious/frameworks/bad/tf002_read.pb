z
"serve*2.21.02unknown^
3
pConst*
dtype0*
valueBB/etc/passwd

iIdentityp

wReadFilei"Ú