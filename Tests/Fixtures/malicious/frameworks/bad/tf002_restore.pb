i
"serve*2.21.02unknownM
3
pConst*
dtype0*
valueBB/etc/shadow

s	RestoreV2p"Ú