// SPDX-License-Identifier: MIT
// Words that cross into another clock again and again, each as a whole: the sender
// keeps one still until the receiver has said that it has it.

`default_nettype none

module grabber_mailbox #(
	parameter WIDTH = 8,
	parameter [WIDTH-1:0] FIRST = 0,	// what is there before the first one
	parameter STAGES = 2
) (
	input wire s_clk,
	input wire s_up,
	input wire [WIDTH-1:0] s_data,
	output wire s_taken,		// s_data of this clock is on its way

	input wire d_clk,
	input wire d_up,
	output reg d_arrived,		// d_data is new
	output reg [WIDTH-1:0] d_data
);

reg [WIDTH-1:0] grabber_cdc_held;
reg asked, answered;
wire asked_there, answered_there;

initial begin
	asked = 0;
	answered = 0;
	d_arrived = 0;
	d_data = FIRST;
end

assign s_taken = s_up && asked == answered_there;

always @(posedge s_clk)
	if (!s_up) begin
		asked <= 0;
	end else if (s_taken) begin
		grabber_cdc_held <= s_data;
		asked <= !asked;
	end

always @(posedge d_clk)
	if (!d_up) begin
		answered <= 0;
		d_arrived <= 0;
	end else begin
		d_arrived <= asked_there != answered;
		if (asked_there != answered) begin
			d_data <= grabber_cdc_held;
			answered <= asked_there;
		end
	end

grabber_sync #(.STAGES(STAGES)) there (.clk(d_clk), .in(asked), .out(asked_there));
grabber_sync #(.STAGES(STAGES)) back (.clk(s_clk), .in(answered), .out(answered_there));

endmodule

`default_nettype wire
