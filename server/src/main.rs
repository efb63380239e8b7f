//! The `watchfire` program: reads the command line and hands over to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    watchfire::memory::bound_arenas();
    watchfire::command::main()
}
