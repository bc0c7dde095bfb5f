ˆ
"serve*2.21.02unknownl
3
pConst*
dtype0*
valueBB/etc/passwd

dPlaceholderWithDefaultp

rReadFiled"Ú