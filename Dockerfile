# One image for processor, API and producer: what runs is the command that a container is given.
#
# The image brings Node 24 itself, of the version that package.json pins, so install scripts stay off: they would fetch
# a second copy of Node. The one that matters, mending kafkajs with patches/, is called by its name.
FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app
ENV NPM_CONFIG_UPDATE_NOTIFIER=false
COPY package.json package-lock.json .npmrc ./
COPY processor/streams/package.json processor/streams/
COPY schema/live/package.json schema/live/
COPY patches patches
COPY tools/launcher/install.mjs tools/launcher/postinstall.mjs tools/launcher/

# The dashboard needs the tools of development, and none of them afterwards.
FROM base AS dashboard
RUN npm ci --ignore-scripts && node tools/launcher/postinstall.mjs
COPY tsconfig.json codegen.yml ./
COPY tools tools
COPY schema schema
COPY client client
RUN ["node", "--input-type=module", "--eval", "await (await import('./tools/development/client-build.ts')).buildClient()"]

FROM base AS packages
RUN npm ci --omit=dev --ignore-scripts && node tools/launcher/postinstall.mjs

FROM base AS tributary
# Of glibc's heaps each thread has one, and each keeps what its thread needed at most: two are enough.
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/tmp/node-compile \
    MALLOC_ARENA_MAX=2 \
    LOG_FORMAT=json \
    HOST=0.0.0.0 \
    STATE_DIR=/var/lib/tributary/state
# A volume that is mounted here takes over this owner.
RUN install -d -o node -g node /var/lib/tributary/state
COPY --from=packages /app/node_modules node_modules
COPY tools tools
COPY schema schema
COPY processor processor
COPY --from=dashboard /app/client/dist client/dist
USER node
EXPOSE 4000 4100
# The API is schema/logins/main.ts, the producer tools/producer/producer.ts. Node 24 runs TypeScript as it stands.
CMD ["node", "processor/logins/main.ts"]
