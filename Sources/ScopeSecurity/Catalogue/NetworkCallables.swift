extension CallableCatalogue {
  /// Callables that talk to the network.
  static let networkCallables: [DangerGroup] = [
    DangerGroup(
      kind: .network, reason: "opens network connections: code can be fetched and data sent away",
      paths: [
        "socket.*", "ssl.*", "_ssl.*", "http.client.*", "http.server.*", "urllib.request.*",
        "urllib.URLopener",
        "urllib.FancyURLopener", "urllib.urlopen", "urllib.urlretrieve", "urllib.robotparser.*", "urllib3.*",
        "requests.*", "httpx.*", "httpcore.*", "aiohttp.*", "websockets.*", "websocket.*", "ftplib.*",
        "smtplib.*",
        "poplib.*", "imaplib.*", "telnetlib.*", "xmlrpc.client.*", "xmlrpclib.*", "SimpleHTTPServer.*",
        "BaseHTTPServer.*", "SocketServer.*", "socketserver.*", "asyncore.*", "asynchat.*", "select.*",
        "selectors.*",
        "logging.handlers.*", "boto3.*", "botocore.*", "google.cloud.*", "azure.*", "s3fs.*", "gcsfs.*",
        "fsspec.*",
        "smart_open.*", "huggingface_hub.*", "torch.utils.model_zoo.*", "torch.hub.download_url_to_file",
        "torch.hub.load_state_dict_from_url", "torch.distributed.rpc.*",
        "torch.distributed.init_process_group", "torch.distributed.distributed_c10d.*",
        "torch.distributed.TCPStore", "gdown.*", "wget.*", "pycurl.*", "zmq.*",
        "grpc.*", "dns.*", "scapy.*", "kafka.*", "pymongo.*", "sqlalchemy.*", "psycopg2.*",
        "torchvision.datasets.*",
        "sklearn.datasets.fetch_openml", "sklearn.datasets.*", "datasets.load.*", "nltk.download",
        "nltk.downloader.*",
        "pandas.io.common.*", "webdataset.*",
      ])
  ]
}
