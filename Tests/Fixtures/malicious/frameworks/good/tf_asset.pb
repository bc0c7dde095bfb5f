­
"serve*2.21.02unknown}

tHashTableV2
:
aConst*
dtype0*!
valueBB/home/me/vocab.txt
(
iInitializeTableFromTextFileV2ta"Ú2

a:0	vocab.txt