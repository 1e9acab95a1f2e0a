import { stringSerde, StreamsBuilder, tumbling, type Topology } from '@tributary/streams';

const TEMPERATURE_THRESHOLD = 20;
const TEMPERATURE_WINDOW_SIZE_MS = 5_000;

/** TemperatureDemo.java: the largest temperature of each window of five seconds, where it exceeds a threshold. */
export function buildTopology(): Topology {
  const builder = new StreamsBuilder();
  const source = builder.stream('iot-temperature', { value: stringSerde });

  const max = source
    .selectKey(() => 'temp')
    .groupByKey({ name: 'by-temp' })
    .windowedBy(tumbling({ sizeMs: TEMPERATURE_WINDOW_SIZE_MS, graceMs: 24 * 3_600_000 }))
    .reduce((value1, value2) => (Number(value1) > Number(value2) ? value1 : value2), { store: 'max' })
    .toStream()
    .filter((value) => Number(value) > TEMPERATURE_THRESHOLD);

  // A windowed key is written with the windowed serde of its inner one: there is nothing to override.
  max.to('iot-temperature-max', { value: stringSerde });
  return builder.build();
}
