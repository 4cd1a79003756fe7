// Times LoRA training with qvac-fabric on the CPU: all linear layers, rank 8, one sequence a step.
//
//     bare bench/peer_qvac.js MODEL.gguf TOKENS THREADS STEPS FOLDER      (needs the npm packages bare, @qvac/llm-llamacpp)
//
// Prints JSON as `patina bench --train` does, with the peak memory; the first step warms up. What it writes goes to
// FOLDER. It trains few architectures: qwen3 is one, llama is none.

const fs = require('bare-fs')
const LlmLlamacpp = require('@qvac/llm-llamacpp')

const [model, tokens, threads, steps, folder] = Bare.argv.slice(2)

function writeRows (batches) {
  const rows = `${folder}/rows.txt`
  fs.writeFileSync(rows, 'a house in the tree '.repeat(batches * Number(tokens)))
  return rows
}

function peakMemory () {
  return 1024 * Number(/VmHWM:\s*(\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1])
}

function report (times) {
  const speeds = times.slice(1).map((time, i) => 1000 * Number(tokens) / (time - times[i]))
  const mean = speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length
  console.log(JSON.stringify([{ test: `train${tokens}`, avg_ts: mean, peak_memory: peakMemory() }]))
}

async function main () {
  const config = { device: 'cpu', gpu_layers: '0', ctx_size: tokens, threads, 'batch-size': tokens, 'ubatch-size': tokens, verbosity: '0' }
  const llm = new LlmLlamacpp({ files: { model: [model] }, config, opts: { stats: true } })
  await llm.load()
  const handle = await llm.finetune({
    trainDatasetDir: writeRows(Number(steps) + 1),
    validation: { type: 'none' },
    outputParametersDir: `${folder}/adapter`,
    checkpointSaveDir: `${folder}/checkpoints`,
    contextLength: Number(tokens),
    batchSize: Number(tokens),
    microBatchSize: Number(tokens),
    loraModules: 'attn_q,attn_k,attn_v,attn_o,ffn_gate,ffn_up,ffn_down',
    loraRank: 8,
    loraAlpha: 16
  })
  const times = []
  handle.on('stats', step => {
    times.push(step.elapsed_ms)
    if (times.length === Number(steps) + 1) llm.cancel()
  })
  await handle.await()
  report(times.slice(0, Number(steps) + 1))
  await llm.unload()
}

main().catch(error => {
  console.error(error)
  Bare.exit(1)
})
