/** The public generator's logins: as it writes them, key order and spelling included. */
export interface LoginDraft {
  readonly user_id: string;
  readonly app_version: string;
  readonly ip: string;
  readonly locale: string;
  readonly device_id: string;
  /** Epoch seconds, whole. */
  readonly timestamp: number;
  /** Left out, not null, in one login of twenty. */
  readonly device_type?: string;
}
