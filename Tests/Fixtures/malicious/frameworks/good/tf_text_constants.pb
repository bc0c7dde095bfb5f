«
"serve*2.21.02unknownŽ
F
pConst*
dtype0*-
value$B"B/etc/passwdB	os.systemBPyFunc

eStringLowerp
*
qPrintV2e*
output_streamstderr"Ú