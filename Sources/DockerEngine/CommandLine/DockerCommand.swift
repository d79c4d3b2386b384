// SPDX-License-Identifier: Apache-2.0

/// One understood `docker` command: the verb with its typed options.
///
/// Invariant: nothing in it was guessed; a flag or verb that is not understood never gets this far.
public enum DockerCommand: Sendable, Equatable {
  /// `docker run`: create and start, attached unless `-d`.
  case run(ContainerSpecification)
  /// `docker create`: create only, and print the id.
  case create(ContainerSpecification)
  /// `docker start [-a] [-i] NAME…`.
  case start(StartOptions)
  /// `docker stop [-t SECONDS] NAME…`.
  case stop(StopOptions)
  /// `docker restart [-t SECONDS] NAME…`.
  case restart(StopOptions)
  /// `docker kill [-s SIGNAL] NAME…`.
  case kill(KillOptions)
  /// `docker rm [-f] [-v] NAME…`.
  case remove(RemoveOptions)
  /// `docker pause NAME…`.
  case pause([String])
  /// `docker unpause NAME…`.
  case unpause([String])
  /// `docker wait NAME…`.
  case wait([String])
  /// `docker rename NAME NEW`.
  case rename(container: String, name: String)
  /// `docker update NAME…`.
  case update(UpdateOptions)
  /// `docker exec NAME COMMAND…`.
  case exec(ExecOptions)
  /// `docker attach NAME`.
  case attach(AttachOptions)
  /// `docker logs NAME`.
  case logs(LogsOptions)
  /// `docker cp FROM TO`.
  case copy(CopyOptions)
  /// `docker diff NAME`.
  case diff(container: String)
  /// `docker export NAME`.
  case export(ExportOptions)
  /// `docker commit NAME [IMAGE]`.
  case commit(CommitOptions)

  /// `docker pull IMAGE`.
  case pull(TransferOptions)
  /// `docker push IMAGE`.
  case push(TransferOptions)
  /// `docker tag IMAGE NAME`.
  case tag(image: String, name: ImageReference)
  /// `docker rmi IMAGE…`.
  case removeImages(RemoveImagesOptions)
  /// `docker save IMAGE…`.
  case save(SaveOptions)
  /// `docker load`.
  case load(LoadOptions)
  /// `docker import FILE [IMAGE]`.
  case importImage(ImportOptions)
  /// `docker build …`: what an installed docker program does; the words after the verb.
  case build([String])

  /// `docker login [REGISTRY]`.
  case login(LoginOptions)
  /// `docker logout [REGISTRY]`; nil is Docker Hub.
  case logout(registry: String?)

  /// `docker network create NAME`.
  case createNetwork(NetworkCreateOptions)
  /// `docker network rm NAME…`.
  case removeNetworks(RemoveNamedOptions)
  /// `docker network connect NETWORK NAME`.
  case connectNetwork(NetworkConnectOptions)
  /// `docker network disconnect NETWORK NAME`.
  case disconnectNetwork(NetworkDisconnectOptions)
  /// `docker volume create [NAME]`.
  case createVolume(VolumeCreateOptions)
  /// `docker volume rm NAME…`.
  case removeVolumes(RemoveNamedOptions)
  /// `docker container|image|network|volume|system prune`.
  case prune(PruneOptions)

  /// `docker events`.
  case events(EventsOptions)
  /// Verbs whose output is a list or a document.
  case listing(DockerListing)
  /// `docker [VERB] --help`: the text to print.
  case help(String)

  /// Whether the command stands for a container that runs as long as the command does: `run` without `-d`, `start -a`.
  ///
  /// Such a command, as the main process of a unit, is carried out in steps that survive a restart of the caller:
  /// ``DockerCommandExecutor/begin(_:for:output:)``, then start and wait.
  public var isForeground: Bool {
    switch self {
    case .run(let specification): !specification.isDetached
    case .start(let options): options.isAttached
    default: false
    }
  }
}
