import { STATE_CODES, type StateCode } from '../../../processor/logins/states.ts';
import { stateResult, totalsResult } from '../results/states-result.ts';
import type { StatesUpdate } from '../generated/resolver-types.ts';
import {
  changedSince,
  CompletenessWatch,
  CursorResume,
  decodeCursor,
  encodeCursor,
  type UpdateSource,
} from '@tributary/graphql';
import type { LoginModel } from '../rows/login-model.ts';

const SUBJECT = 'states';

/** One subscriber's view of the states: a snapshot first, or what changed since its cursor; then what changed. */
export class StatesUpdates implements UpdateSource<StatesUpdate> {
  readonly #model: LoginModel;
  readonly #resume: CursorResume;
  readonly #completeness: CompletenessWatch;
  #sent: { readonly version: number; readonly epoch: number } | null = null;

  constructor(model: LoginModel, after: string | null | undefined) {
    this.#model = model;
    this.#completeness = new CompletenessWatch(model);
    const cursor = after == null ? null : decodeCursor(after, model.applicationId, SUBJECT);
    this.#resume = new CursorResume(cursor, model.tables.states.positions, () => model.readPositions('states'));
  }

  readonly ready = (): boolean => this.#resume.ready();

  get readyByMs(): number {
    return this.#resume.readyByMs;
  }

  nextUpdate(): StatesUpdate | null {
    const sent = this.#sent;
    const update = sent === null ? this.#first() : this.#since(sent);
    if (update === null) return null;
    const { version, epoch } = this.#model.tables.states;
    this.#sent = { version, epoch };
    this.#completeness.updated();
    return update;
  }

  #first(): StatesUpdate {
    const codes = this.#firstCodes();
    return codes === null ? this.#snapshot() : this.#update('DELTA', codes);
  }

  #since(sent: { readonly version: number; readonly epoch: number }): StatesUpdate | null {
    const { states } = this.#model.tables;
    if (states.epoch !== sent.epoch) return this.#snapshot();
    if (states.version === sent.version && !this.#completeness.changed()) return null;
    const isNewer = (code: StateCode) => changedSinceRow(states.get(code), (row) => row.version > sent.version);
    return this.#model.shared(`${SUBJECT} since ${sent.version}`, () => this.#update('DELTA', this.#codes(isNewer)));
  }

  #snapshot(): StatesUpdate {
    return this.#model.shared(SUBJECT, () => this.#update('SNAPSHOT', STATE_CODES));
  }

  #firstCodes(): StateCode[] | null {
    const { states } = this.#model.tables;
    const cursor = this.#resume.resumable([...states.rows()].map(([, row]) => row));
    return cursor === null
      ? null
      : this.#codes((code) => changedSinceRow(states.get(code), (row) => changedSince(cursor, row)));
  }

  #codes(isChanged: (code: StateCode) => boolean): StateCode[] {
    return STATE_CODES.filter(isChanged);
  }

  #update(kind: StatesUpdate['kind'], codes: readonly StateCode[]): StatesUpdate {
    const { applicationId } = this.#model;
    const { states } = this.#model.tables;
    const { positions } = states;
    const cursor = encodeCursor({
      applicationId,
      subject: SUBJECT,
      positions: positions.vector(),
      newestWrittenAtMs: positions.newestWrittenAtMs,
      newestStartMs: null,
    });
    return { kind, cursor, states: codes.map((code) => stateResult(this.#model, code)), ...totalsResult(this.#model) };
  }
}

function changedSinceRow<T>(row: T | undefined, isChanged: (row: T) => boolean): boolean {
  return row !== undefined && isChanged(row);
}
