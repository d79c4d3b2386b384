// SPDX-License-Identifier: Apache-2.0
import CoracleCommands

@main
struct Main {
  static func main() async {
    await CoracleProgram.main(CommandLine.arguments)
  }
}
