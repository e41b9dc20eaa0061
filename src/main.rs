fn main() -> std::process::ExitCode {
    hoist::commands::main()
}
