/** Who can be traced: processes, the TLS libraries in them, and this machine. */
export {here} from './architectures.js';
export {idsOfCgroup} from './cgroups.js';
export {type Check, diagnose} from './diagnosis.js';
export {type Elf, withElf} from './elf.js';
export {findTargets} from './find-targets.js';
export {loaderTargets} from './loader-targets.js';
export {type Machine, readMachine} from './machine.js';
export {type Mapping, parseMaps, readMaps} from './maps.js';
export {readProcess} from './process.js';
export {descendantsOf, findProcesses} from './processes.js';
export {listPids} from './survey.js';
export {targetFromFile} from './target-from-file.js';
export {type CommandTargets, requireCommand, targetsOfCommand} from './targets-of-command.js';
export {unprobedLibraries} from './unprobed-libraries.js';
export {type Caller, callerOf, uidOf} from './users.js';
