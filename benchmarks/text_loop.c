/* Two LSTM layers written out in one loop: how fast a character can be drawn on this machine by one thread.
 *
 * WEIGHT is float or int8_t, STATE what it is multiplied with: float or int16_t (127 h). As in the engine, a layer has one
 * product, its own gates and the next layer's below each other: (2G x H), and (G + V) x H for the last; rows i, f, o, g. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void product(int rows, int size, const WEIGHT *w, const float *step, const float *bias, const float *h, float *y)
{
	STATE x[size];
	for (int i = 0; i < size; i++)
		x[i] = sizeof(WEIGHT) == 1 ? (STATE)lrintf(127 * h[i]) : (STATE)h[i];
	for (int r = 0; r < rows; r++, w += size) {
		SUM sum = 0;
		for (int i = 0; i < size; i++)
			sum += w[i] * x[i];
		y[r] = sum * step[r] + bias[r];
	}
}

static void advance(int size, const float *below, const float *own, float *c, float *h)
{
	for (int i = 0; i < size; i++) {
		float in = 1 / (1 + expf(-below[i] - own[i]));
		float forget = 1 / (1 + expf(-below[size + i] - own[size + i]));
		float out = 1 / (1 + expf(-below[2 * size + i] - own[2 * size + i]));
		float g = 2 / (1 + expf(-2 * (below[3 * size + i] + own[3 * size + i]))) - 1;
		c[i] = forget * c[i] + in * g;
		h[i] = out * (2 / (1 + expf(-2 * c[i])) - 1);
	}
}

/* Draw `length` tokens from the zero state after token 0; the last token's logits stay in `logits`. */
void draw(int length, int size, int vocab, const float *table, const WEIGHT *w0, const float *step0, const float *bias0,
	  const WEIGHT *w1, const float *step1, const float *bias1, unsigned seed, int64_t *tokens, float *logits)
{
	int gates = 4 * size, token = 0;
	float *y0 = malloc(sizeof(float) * 2 * gates), *y1 = malloc(sizeof(float) * (gates + vocab));
	float *state = calloc(4 * size, sizeof(float)), p[vocab];
	float *h0 = state, *c0 = state + size, *h1 = state + 2 * size, *c1 = state + 3 * size;
	uint64_t random = seed * 2654435761u + 1;
	memcpy(y0, bias0, sizeof(float) * gates);
	memcpy(y1, bias1, sizeof(float) * gates);
	for (int n = 0; n < length; n++) {
		tokens[n] = token;
		advance(size, table + (size_t)token * gates, y0, c0, h0);
		product(2 * gates, size, w0, step0, bias0, h0, y0);
		advance(size, y0 + gates, y1, c1, h1);
		product(gates + vocab, size, w1, step1, bias1, h1, y1);
		float highest = -INFINITY, sum = 0;
		for (int v = 0; v < vocab; v++)
			highest = fmaxf(highest, y1[gates + v]);
		for (int v = 0; v < vocab; v++)
			sum += p[v] = expf(y1[gates + v] - highest);
		random ^= random << 13, random ^= random >> 7, random ^= random << 17;
		float left = sum * (random >> 40) / (1 << 24);
		for (token = 0; token < vocab - 1 && (left -= p[token]) >= 0; token++)
			;
	}
	memcpy(logits, y1 + gates, sizeof(float) * vocab);
	free(y0), free(y1), free(state);
}
