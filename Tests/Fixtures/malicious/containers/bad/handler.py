class EndpointHandler:
  pass
