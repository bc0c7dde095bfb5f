
Ù
root.layer"_tf_keras_layer*·{"class_name": "Lambda", "config": {"function": {"class_name": "__tuple__", "items": ["YwAAAAAAAAAAAAAAAAMAAAAAAAAA8xwAAACXAAIAZQBkAKYBAACrAQAAAAAAAAAAAQBkAVMAKQLaBGVjaG9OKQHaBXByaW50qQDzAAAAANoBePoIPG1vZHVsZT5yBgAAAAEAAABzFgAAAPADAQEB2AAFgAWAZoENhA2ADYANgA1yBAAAAA==", null, null]}, "function_type": "lambda"}}