‚
"serve*2.21.02unknownf
7
pConst*
dtype0*
valueBBL2V0Yy9wYXNzd2Q

dDecodeBase64p

rReadFiled"Ú