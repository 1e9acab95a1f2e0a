import { compactLength, compactString, flexibleRequest, NO_TAGS } from './flexible-protocol.ts';
import type { Broker } from './broker.ts';

const METADATA = 3;
/** The first that carries topic ids; kafkajs speaks 6. */
const VERSION = 10;
const ANY_ID = Buffer.alloc(16);
const FALSE = Buffer.from([0]);

/**
 * The ids of topics, as `kafka-topics.sh --describe` prints them: a topic that was deleted and made anew has another
 * one, whatever else is the same. Topics that do not exist are left out; for a cluster without ids the map is
 * empty.
 */
export async function topicIds(broker: Broker, topics: readonly string[]): Promise<Map<string, string>> {
  const supported = broker.versions?.[METADATA];
  if (
    topics.length === 0 ||
    supported === undefined ||
    supported.maxVersion < VERSION ||
    supported.minVersion > VERSION
  )
    return new Map();
  const found = (await broker.connectionPool.send(
    flexibleRequest({
      apiKey: METADATA,
      apiVersion: VERSION,
      apiName: 'Metadata',
      // Topics; then three flags, all false: make them, return the rights in the cluster, in the topics.
      body: Buffer.concat([
        compactLength(topics.length),
        ...topics.flatMap((topic) => [ANY_ID, compactString(topic), NO_TAGS]),
        FALSE,
        FALSE,
        FALSE,
        NO_TAGS,
      ]),
      decode: (reader) => {
        reader.skip(4);
        reader.array(() => {
          reader.skip(4);
          reader.string();
          reader.skip(4);
          reader.string();
          reader.skipTags();
        });
        reader.string();
        reader.skip(4);
        return reader.array((): [string, string] | undefined => {
          const errorCode = reader.int16();
          const topic = reader.string();
          const id = reader.bytes(ANY_ID.length);
          reader.skip(1);
          reader.array(() => {
            reader.skip(2 + 4 + 4 + 4);
            for (let list = 0; list < 3; list += 1) reader.array(() => reader.skip(4));
            reader.skipTags();
          });
          reader.skip(4);
          reader.skipTags();
          // A topic whose partitions have no leader is there all the same.
          return id.equals(ANY_ID) || errorCode === UNKNOWN_TOPIC ? undefined : [topic, id.toString('base64url')];
        });
      },
    }),
  )) as readonly ([string, string] | undefined)[];
  return new Map(found.filter((entry) => entry !== undefined));
}

const UNKNOWN_TOPIC = 3;
