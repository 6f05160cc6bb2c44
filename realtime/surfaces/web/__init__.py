"""HTTP and websockets on one port: OSCQuery for programs, the web page for people."""
