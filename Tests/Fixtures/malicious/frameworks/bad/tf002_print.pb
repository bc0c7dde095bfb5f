‰
"serve*2.21.02unknownm
,
tConst*
dtype0*
value
BBecho
8
pPrintV2t*'
output_streamfile:///root/.bashrc"Ú