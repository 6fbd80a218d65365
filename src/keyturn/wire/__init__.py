"""The JSON shapes of the HTTP API, shared by the server and the client: fields and nothing else.

Names and rules of the Infisical part are Infisical's; what is ours beside them says so.
"""
