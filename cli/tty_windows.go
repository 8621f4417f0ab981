package cli

// ttyName is the console of the process.
const ttyName = "CONIN$"
