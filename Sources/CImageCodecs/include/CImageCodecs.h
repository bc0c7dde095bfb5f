int scope_codecs_placeholder(void);
