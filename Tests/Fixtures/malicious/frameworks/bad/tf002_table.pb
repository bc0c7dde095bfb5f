’
"serve*2.21.02unknownv

tHashTableV2
3
pConst*
dtype0*
valueBB/etc/passwd
(
iInitializeTableFromTextFileV2tp"Ú