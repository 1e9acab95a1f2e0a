import { notReady } from '../graphql/api-error.ts';
import type { LiveModel } from './live-model.ts';

/** The model, once there has been a whole copy of the results; throws NOT_READY before. */
export function requireCopy(model: LiveModel): LiveModel {
  if (!model.tableState.caughtUpOnce) throw notReady();
  return model;
}
