package tributary.bench;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * RocksDB as Kafka Streams' memory management guide (bounded memory over all stores) and RocksDB's own tuning guide (Bloom filters,
 * dynamic levels, partitioned read-ahead of blocks of 16 kB) advise it, with memory that fits the machine of the benchmarks.
 */
public final class TunedRocksDb implements RocksDBConfigSetter {
  private static final long BLOCKS_BYTES = 384L << 20;
  private static final long WRITES_BYTES = 128L << 20;
  private static final Cache CACHE = new LRUCache(BLOCKS_BYTES, -1, false, 0.1);
  private static final WriteBufferManager WRITES = new WriteBufferManager(WRITES_BYTES, CACHE);

  @Override
  public void setConfig(String storeName, Options options, Map<String, Object> configs) {
    BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
    table.setBlockCache(CACHE);
    table.setCacheIndexAndFilterBlocks(true);
    table.setCacheIndexAndFilterBlocksWithHighPriority(true);
    table.setPinTopLevelIndexAndFilter(true);
    table.setBlockSize(16 << 10);
    table.setFilterPolicy(new BloomFilter(10));
    options.setTableFormatConfig(table);
    options.setWriteBufferManager(WRITES);
    options.setMaxWriteBufferNumber(4);
    options.setWriteBufferSize(32L << 20);
    options.setLevelCompactionDynamicLevelBytes(true);
    options.setIncreaseParallelism(2);
  }

  @Override
  public void close(String storeName, Options options) {
    // The cache and the buffers are of all stores.
  }
}
