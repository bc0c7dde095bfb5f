o
"serve*2.21.02unknownS
3
pConst*
dtype0*
valueBB/etc/passwd

dTFRecordDatasetp"Ú