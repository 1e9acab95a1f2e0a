import { environmentOrExit } from '../../processor/logins/environment.ts';
import { askedOrExit, connectionOf, processTerminal, runToExit } from '../command-line/command-line.ts';
import { resetApplication } from './reset-application.ts';
import { parseResetArguments, RESET_USAGE } from './reset-arguments.ts';

const asked = askedOrExit(RESET_USAGE, () => parseResetArguments(process.argv.slice(2)));
if (asked.help) {
  process.stdout.write(RESET_USAGE);
  process.exit(0);
}
const environment = environmentOrExit();
const terminal = processTerminal();
await runToExit(() => resetApplication(asked, environment, terminal), terminal, connectionOf(environment));
