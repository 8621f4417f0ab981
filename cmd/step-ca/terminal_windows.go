package main

const terminalName = "CONIN$"
