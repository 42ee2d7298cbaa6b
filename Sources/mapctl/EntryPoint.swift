// SPDX-License-Identifier: Apache-2.0
#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@main enum EntryPoint {
  static func main() {
    // A reader that goes away (`mapctl events --follow | head`) is told by EPIPE instead.
    signal(SIGPIPE, SIG_IGN)
    exit(
      run(
        arguments: Array(CommandLine.arguments.dropFirst()),
        in: Context(environment: .process, output: Output(1), errors: Output(2), input: isatty(0) == 1 ? 0 : nil)
      ).rawValue)
  }
}
