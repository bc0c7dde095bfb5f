int scope_codecs_placeholder(void){return 0;}
