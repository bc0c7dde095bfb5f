ù
"serve*2.21.02unknownÄ
5
pConst*
dtype0*
valueBB/root/.bashrc
,
dConst*
dtype0*
value
BBecho

w	WriteFilepd"⁄