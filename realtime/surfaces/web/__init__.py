"""HTTP and websockets on one port: OSCQuery for programs, the page for people."""
