import { environmentOrExit } from '../../processor/logins/environment.ts';
import { askedOrExit, connectionOf, processTerminal, runToExit } from '../command-line/command-line.ts';
import { DEAD_LETTERS_USAGE, parseDeadLettersArguments } from './dead-letters-arguments.ts';
import { listDeadLetters, showDeadLetter } from './dead-letters-read.ts';
import { redriveDeadLetters } from './dead-letters-redrive.ts';

const asked = askedOrExit(DEAD_LETTERS_USAGE, () => parseDeadLettersArguments(process.argv.slice(2)));
if (asked.command === 'help') {
  process.stdout.write(DEAD_LETTERS_USAGE);
  process.exit(0);
}
const environment = environmentOrExit();
const terminal = processTerminal();

function run(): Promise<number> {
  switch (asked.command) {
    case 'list':
      return listDeadLetters(asked, environment, terminal);
    case 'show':
      return showDeadLetter(asked, environment, terminal);
    case 'redrive':
      return redriveDeadLetters(asked, environment, terminal);
    default:
      throw new TypeError(`no such command: ${asked.command}`);
  }
}

await runToExit(run, terminal, connectionOf(environment));
