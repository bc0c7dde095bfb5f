u
"serve*2.21.02unknownY
;
pConst*
dtype0*"
valueBB/home/*/.ssh/id_rsa

mMatchingFilesp"Ú