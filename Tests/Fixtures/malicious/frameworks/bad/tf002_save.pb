h
"serve*2.21.02unknownL
5
pConst*
dtype0*
valueBB/root/.bashrc

sSaveV2p"Ú