// SPDX-License-Identifier: Apache-2.0
import EtcdStore

/// One operation as it concerns one key, and what the model lets it do.
struct KeyStep {
  /// What it does to the key.
  enum Effect {
    case read
    /// Sets a file whatever is there (PUT); creation is counted anew.
    case set(value: String, mayExpire: Bool)
    /// Sets a file where none is.
    case create(value: String, mayExpire: Bool)
    /// Changes a file that is there; a nil value keeps the old one.
    case update(value: String?, comparison: Comparison?, mayExpire: Bool)
    /// Sets the time to live of a file that is there; creation is counted anew.
    case refresh(mayExpire: Bool)
    case remove(comparison: Comparison?)
    /// A directory above went, with everything below.
    case removeAbove
  }

  /// The operation it comes from.
  var operation: ClientOperation
  var effect: Effect

  /// The states that may follow; none when the answer cannot be true here.
  ///
  /// A step without a known answer has at most the states in which it took effect: that it did not is for the caller
  /// to consider.
  func successors(of state: KeyState) -> [KeyState] {
    ([state] + (state.expired.map { [$0] } ?? [])).compactMap { from in
      switch operation.outcome {
      case .succeeded(let event): succeeded(event, from: from)
      case .failed(let error): failed(error, from: from)
      case .unknown: unseen(from: from)
      case .refused: nil
      }
    }
  }

  // MARK: It took effect, and was answered

  private func succeeded(_ event: Event, from state: KeyState) -> KeyState? {
    if case .read = effect { return read(event, from: state) }
    let index = event.node.modifiedIndex.rawValue
    guard index > state.floor else { return nil }
    if case .removeAbove = effect { return KeyState(file: nil, floor: index) }
    // The node before, as far as the answer tells of it, must be the one of the model.
    var before = state.file
    if let previous = event.previousNode {
      guard var file = before, file.value == previous.value,
        let modified = file.modified.matched(with: previous.modifiedIndex.rawValue),
        let created = file.created.matched(with: previous.createdIndex.rawValue)
      else { return nil }
      (file.modified, file.created) = (modified, created)
      before = file
    } else if before != nil {
      return nil
    }
    switch written(over: before, at: .exactly(index)) {
    case .refused: return nil
    case .nothing: return KeyState(file: nil, floor: index)
    case .file(var file):
      guard file.value == event.node.value,
        let created = file.created.matched(with: event.node.createdIndex.rawValue)
      else { return nil }
      file.created = created
      return KeyState(file: file, floor: index)
    }
  }

  private func read(_ event: Event, from state: KeyState) -> KeyState? {
    guard var file = state.file, file.value == event.node.value,
      let modified = file.modified.matched(with: event.node.modifiedIndex.rawValue),
      let created = file.created.matched(with: event.node.createdIndex.rawValue)
    else { return nil }
    (file.modified, file.created) = (modified, created)
    let known = KeyState(file: file, floor: max(state.floor, event.node.modifiedIndex.rawValue))
    return known.seen(at: event.etcdIndex == .zero ? nil : event.etcdIndex.rawValue)
  }

  // MARK: It was refused

  private func failed(_ error: EtcdError, from state: KeyState) -> KeyState? {
    let isPossible =
      switch error.code {
      case .keyNotFound: state.file == nil
      case .nodeExists: state.file != nil
      case .testFailed: state.file.map { comparison?.mayFail(on: $0) ?? false } ?? false
      // Codes that tell of directories, or of the request: nothing about a file.
      default: true
      }
    return isPossible ? state.seen(at: error.index == .zero ? nil : error.index.rawValue) : nil
  }

  // MARK: Nobody saw what came of it

  private func unseen(from state: KeyState) -> KeyState? {
    if case .read = effect { return nil }
    if case .removeAbove = effect { return state.file.map { _ in KeyState(file: nil, floor: state.floor + 1) } }
    switch written(over: state.file, at: .above(state.floor)) {
    case .refused: return nil
    case .nothing: return KeyState(file: nil, floor: state.floor + 1)
    case .file(let file): return KeyState(file: file, floor: state.floor + 1)
    }
  }

  // MARK: The model

  /// What the key holds after a write.
  private enum Written {
    case refused
    case nothing
    case file(KeyState.File)
  }

  private func written(over file: KeyState.File?, at index: KnownIndex) -> Written {
    switch effect {
    case .read, .removeAbove: return .refused
    case .set(let value, let mayExpire):
      return .file(KeyState.File(value: value, created: index, modified: index, mayExpire: mayExpire))
    case .create(let value, let mayExpire):
      guard file == nil else { return .refused }
      return .file(KeyState.File(value: value, created: index, modified: index, mayExpire: mayExpire))
    case .update(let value, let comparison, let mayExpire):
      guard var file, comparison?.mayHold(on: file) ?? true else { return .refused }
      file.value = value ?? file.value
      file.modified = index
      file.mayExpire = mayExpire
      return .file(file)
    case .refresh(let mayExpire):
      guard let file else { return .refused }
      return .file(KeyState.File(value: file.value, created: index, modified: index, mayExpire: mayExpire))
    case .remove(let comparison):
      guard let file, comparison?.mayHold(on: file) ?? true else { return .refused }
      return .nothing
    }
  }

  private var comparison: Comparison? {
    switch effect {
    case .update(_, let comparison, _), .remove(let comparison): comparison
    case .read, .set, .create, .refresh, .removeAbove: nil
    }
  }
}

extension Comparison {
  fileprivate func mayHold(on file: KeyState.File) -> Bool {
    (previousValue.map { $0 == file.value } ?? true)
      && (previousIndex.map { file.modified.mayBe($0.rawValue) } ?? true)
  }

  fileprivate func mayFail(on file: KeyState.File) -> Bool {
    (previousValue.map { $0 != file.value } ?? false)
      || (previousIndex.map { file.modified.mayDiffer(from: $0.rawValue) } ?? false)
  }
}
