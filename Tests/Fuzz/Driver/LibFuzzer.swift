// SPDX-License-Identifier: Apache-2.0

/// libFuzzer for programs that have a main of their own.
///
/// SwiftPM makes the linker take a program's main from `PROGRAM_main`, so that libFuzzer's is not found.
public enum LibFuzzer {
  /// Takes one input; always 0.
  public typealias Feed = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

  /// Runs libFuzzer with the arguments of a main, and returns its exit status.
  public static func run(
    _ count: CInt,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
    _ feed: Feed
  ) -> CInt {
    var count = count
    var arguments = arguments
    return runDriver(&count, &arguments, feed)
  }
}

/// libFuzzer's own main, as a function.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ feed: LibFuzzer.Feed
) -> CInt
