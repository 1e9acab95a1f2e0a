import type { CommitObserver, StoreChange } from './state-store.ts';

/** Who is told of the commits of one store. */
export class CommitObservers {
  readonly #observers = new Set<CommitObserver>();
  #isCommitting = false;

  /** A batch is on its way: who reads cannot know whether it is in. */
  get isCommitting(): boolean {
    return this.#isCommitting;
  }

  /** Told of the commits that begin from now on, until what this answers is called. */
  add(observer: CommitObserver): () => void {
    this.#observers.add(observer);
    return () => void this.#observers.delete(observer);
  }

  /** Rows have come in a way of which nobody can be told. */
  lost(): void {
    for (const observer of [...this.#observers]) observer.failed();
  }

  /** Does the work of a commit between the two calls. */
  async around(changes: readonly StoreChange[], commit: () => Promise<void>): Promise<void> {
    this.#isCommitting = true;
    const observers = [...this.#observers];
    try {
      for (const observer of observers) observer.before(changes);
      await commit();
    } catch (error) {
      this.#isCommitting = false;
      for (const observer of observers) observer.failed();
      throw error;
    }
    this.#isCommitting = false;
    for (const observer of observers) observer.after();
  }
}
