// Written by Tests/Fixtures/make_operator_names.py from the operator registries of onnx and ONNX Runtime.

extension OperatorSignatures {
  /// Operators by the number of inputs they need.
  static let leastInputs: [(Int, String)] = [
    (
      1,
      """
      Abs Acos Acosh ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Bernoulli BitCast BitwiseNot
      BlackmanWindow Cast Ceil Celu Clip Concat ConcatFromSequence ConstantOfShape Cos Cosh DFT DepthToSpace
      Det Dropout DynamicQuantizeLinear Einsum Elu Erf Exp EyeLike Flatten Floor Gelu GlobalAveragePool
      GlobalLpPool GlobalMaxPool HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If
      ImageDecoder IsInf IsNaN LRN LeakyRelu Log LogSoftmax LpNormalization LpPool Max MaxPool Mean
      MeanVarianceNormalization Min Mish Multinomial Neg NonZero Not OptionalGetElement Pad RandomNormalLike
      RandomUniformLike Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
      ReduceMin ReduceProd ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize Round Scan Selu
      SequenceConstruct SequenceErase SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh Size
      Slice Softmax Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringNormalizer
      StringSplit Sum Swish Tan Tanh TfIdfVectorizer ThresholdedRelu TopK Transpose Trilu Unique Unsqueeze
      Upsample ai.onnx.ml::Binarizer ai.onnx.ml::CastMap ai.onnx.ml::CategoryMapper
      ai.onnx.ml::DictVectorizer ai.onnx.ml::FeatureVectorizer ai.onnx.ml::Imputer ai.onnx.ml::LabelEncoder
      ai.onnx.ml::LinearClassifier ai.onnx.ml::LinearRegressor ai.onnx.ml::Normalizer
      ai.onnx.ml::OneHotEncoder ai.onnx.ml::SVMClassifier ai.onnx.ml::SVMRegressor ai.onnx.ml::Scaler
      ai.onnx.ml::TreeEnsemble ai.onnx.ml::TreeEnsembleClassifier ai.onnx.ml::TreeEnsembleRegressor
      ai.onnx.ml::ZipMap com.microsoft.nchwc::AveragePool com.microsoft.nchwc::GlobalAveragePool
      com.microsoft.nchwc::GlobalMaxPool com.microsoft.nchwc::MaxPool com.microsoft.nchwc::ReorderInput
      com.microsoft.nchwc::ReorderOutput com.microsoft.nchwc::Upsample com.microsoft::BitmaskDropout
      com.microsoft::BranchwiseRMSNorm com.microsoft::DecoderMaskedMultiHeadAttention
      com.microsoft::DynamicTimeWarping com.microsoft::FastGelu com.microsoft::GatedDeltaNet
      com.microsoft::Gelu com.microsoft::Inverse com.microsoft::Irfft com.microsoft::IsAllFinite
      com.microsoft::MultiHeadAttention com.microsoft::MurmurHash3 com.microsoft::NhwcMaxPool
      com.microsoft::QuantizeBFP com.microsoft::QuickGelu com.microsoft::ReduceSumInteger com.microsoft::Rfft
      com.microsoft::SampleOp com.microsoft::ScaledSiLU com.microsoft::Tokenizer com.microsoft::Trilu
      com.microsoft::UnfoldTensor com.microsoft::Unique
      """
    ),
    (
      2,
      """
      Add AffineGrid And BitShift BitwiseAnd BitwiseOr BitwiseXor CastLike CausalConvWithState CenterCropPad
      Compress Conv ConvInteger ConvTranspose CumProd CumSum DequantizeLinear Div Equal Expand Gather
      GatherElements GatherND Gemm Greater GreaterOrEqual GridSample LayerNormalization Less LessOrEqual
      MatMul MatMulInteger MaxRoiPool MaxUnpool Mod Mul NegativeLogLikelihoodLoss NonMaxSuppression Or PRelu
      Pow QuantizeLinear RMSNormalization ReverseSequence STFT SequenceAt SequenceInsert
      SimplifiedLayerNormalization SoftmaxCrossEntropyLoss StringConcat Sub SwiGLU TensorScatter Tile Xor
      ai.onnx.ml::ArrayFeatureExtractor com.microsoft.nchwc::Conv com.microsoft::Attention
      com.microsoft::BiasDropout com.microsoft::BiasGelu com.microsoft::BiasSoftmax
      com.microsoft::BiasSplitGelu com.microsoft::BitmaskBiasDropout com.microsoft::CDist
      com.microsoft::CausalConvWithState com.microsoft::ComplexMul com.microsoft::ComplexMulConj
      com.microsoft::ConvTransposeWithDynamicPads com.microsoft::DequantizeLinear
      com.microsoft::DequantizeWithOrder com.microsoft::ExpandDims com.microsoft::FusedConv
      com.microsoft::FusedGemm com.microsoft::FusedMatMul com.microsoft::FusedMatMulActivation
      com.microsoft::GatherND com.microsoft::GemmFastGelu com.microsoft::GemmFloat8
      com.microsoft::GreedySearch com.microsoft::GridSample com.microsoft::HyperConnectionPreMix
      com.microsoft::MatMulInteger16 com.microsoft::MaxpoolWithMask com.microsoft::NGramRepeatBlock
      com.microsoft::NhwcConv com.microsoft::NhwcFusedConv com.microsoft::Pad com.microsoft::QuantizeLinear
      com.microsoft::QuantizeWithOrder com.microsoft::Range com.microsoft::RemovePadding
      com.microsoft::RestorePadding com.microsoft::Sampling com.microsoft::SparseToDenseMatMul
      com.microsoft::TorchEmbedding com.microsoft::TransposeMatMul
      """
    ),
    (
      3,
      """
      Attention Col2Im DeformConv GRU GroupNormalization InstanceNormalization LSTM LinearAttention OneHot
      RNN Range RoiAlign RotaryEmbedding Scatter ScatterElements ScatterND Where com.microsoft::AttnLSTM
      com.microsoft::BiasAdd com.microsoft::BifurcationDetector com.microsoft::DequantizeBFP
      com.microsoft::DynamicQuantizeMatMul com.microsoft::GatedAdd com.microsoft::GatedRMSNorm
      com.microsoft::GatherBlockQuantized com.microsoft::GroupNorm com.microsoft::HyperConnectionPostMix
      com.microsoft::LinearAttention com.microsoft::LinearAttentionGate
      com.microsoft::MatMulBlockQuantizedFp8Weight com.microsoft::MatMulBnb4 com.microsoft::MatMulFpQ4
      com.microsoft::MatMulNBits com.microsoft::MulInteger com.microsoft::NGramHashMapping
      com.microsoft::QLinearConcat com.microsoft::QOrderedGelu com.microsoft::RelativePositionBias
      com.microsoft::SkipLayerNormalization com.microsoft::SkipSimplifiedLayerNormalization
      """
    ),
    (
      4,
      """
      com.microsoft::CropAndResize com.microsoft::MRotaryEmbedding
      com.microsoft::MatMulBlockQuantizedFp4Weight com.microsoft::MatMulIntegerToFloat
      com.microsoft::QLinearAveragePool com.microsoft::QLinearLeakyRelu com.microsoft::QLinearReduceMean
      com.microsoft::QLinearSigmoid com.microsoft::RotaryEmbedding com.microsoft::SkipGroupNorm
      com.microsoft::VarlenNGramHashMapping com.microsoft::WordConvEmbedding
      """
    ),
    (
      5,
      """
      BatchNormalization MelWeightMatrix com.microsoft::BeamSearch com.microsoft::EngramGate
      com.microsoft::GemmaRotaryEmbedding com.microsoft::MoE com.microsoft::PackedAttention
      com.microsoft::QAttention com.microsoft::QLinearGlobalAveragePool com.microsoft::QLinearSoftmax
      com.microsoft::QOrderedLayerNormalization com.microsoft::QOrderedMatMul
      com.microsoft::VarlenCausalConvWithState com.microsoft::WhisperBeamSearch
      """
    ),
    (
      6,
      """
      com.microsoft::GatedRelativePositionBias com.microsoft::PackedMultiHeadAttention com.microsoft::QGemm
      com.microsoft::QMoE
      """
    ),
    (
      7,
      """
      com.microsoft::DecoderMaskedSelfAttention com.microsoft::EmbedLayerNormalization
      com.microsoft::GroupQueryAttention com.microsoft::LongformerAttention com.microsoft::QLinearAdd
      com.microsoft::QLinearMul
      """
    ),
    (
      8,
      """
      QLinearConv QLinearMatMul com.microsoft::MatMulNBitsMlp com.microsoft::PagedAttention
      com.microsoft::QLinearConv com.microsoft::SparseAttentionIndexer
      """
    ),
    (
      9,
      """
      com.microsoft::QLinearWhere com.microsoft::SparseAttention
      """
    ),
    (
      11,
      """
      com.microsoft::DynamicSparseAttention com.microsoft::MatMulNBitsQkv com.microsoft::SparsePagedAttention
      """
    ),
    (
      12,
      """
      com.microsoft::DecoderAttention com.microsoft::DynamicQuantizeLSTM
      """
    ),
    (
      14,
      """
      com.microsoft::QOrderedLongformerAttention
      """
    ),
    (
      16,
      """
      com.microsoft::PackedSparseAttentionIndexer
      """
    ),
    (
      17,
      """
      com.microsoft::QOrderedAttention
      """
    ),
    (
      18,
      """
      com.microsoft::QEmbedLayerNormalization
      """
    ),
  ]

  /// Operators by the number of outputs they can have.
  static let mostOutputs: [(Int, String)] = [
    (
      1,
      """
      Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool Bernoulli BitCast
      BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu
      CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant ConstantOfShape Conv ConvInteger
      ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace DequantizeLinear Det Div Einsum Elu
      Equal Erf Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
      GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow
      HannWindow HardSigmoid HardSwish Hardmax Identity ImageDecoder InstanceNormalization IsInf IsNaN LRN
      LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxRoiPool
      MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg
      NegativeLogLikelihoodLoss NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement
      OptionalHasElement Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear RMSNormalization
      RandomNormal RandomNormalLike RandomUniform RandomUniformLike Range Reciprocal ReduceL1 ReduceL2
      ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
      RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT Scatter
      ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert
      SequenceLength Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth
      SplitToSequence Sqrt Squeeze StringConcat StringNormalizer Sub Sum SwiGLU Swish Tan Tanh TensorScatter
      TfIdfVectorizer ThresholdedRelu Tile Transpose Trilu Unsqueeze Upsample Where Xor
      ai.onnx.ml::ArrayFeatureExtractor ai.onnx.ml::Binarizer ai.onnx.ml::CastMap ai.onnx.ml::CategoryMapper
      ai.onnx.ml::DictVectorizer ai.onnx.ml::FeatureVectorizer ai.onnx.ml::Imputer ai.onnx.ml::LabelEncoder
      ai.onnx.ml::LinearRegressor ai.onnx.ml::Normalizer ai.onnx.ml::OneHotEncoder ai.onnx.ml::SVMRegressor
      ai.onnx.ml::Scaler ai.onnx.ml::TreeEnsemble ai.onnx.ml::TreeEnsembleRegressor ai.onnx.ml::ZipMap
      com.microsoft.nchwc::AveragePool com.microsoft.nchwc::Conv com.microsoft.nchwc::GlobalAveragePool
      com.microsoft.nchwc::GlobalMaxPool com.microsoft.nchwc::MaxPool com.microsoft.nchwc::ReorderInput
      com.microsoft.nchwc::ReorderOutput com.microsoft.nchwc::Upsample com.microsoft::BiasAdd
      com.microsoft::BiasGelu com.microsoft::BiasSoftmax com.microsoft::BiasSplitGelu
      com.microsoft::BranchwiseRMSNorm com.microsoft::CDist com.microsoft::ComplexMul
      com.microsoft::ComplexMulConj com.microsoft::ConvTransposeWithDynamicPads com.microsoft::CropAndResize
      com.microsoft::DequantizeBFP com.microsoft::DequantizeLinear com.microsoft::DequantizeWithOrder
      com.microsoft::DynamicQuantizeMatMul com.microsoft::DynamicTimeWarping com.microsoft::ExpandDims
      com.microsoft::FastGelu com.microsoft::FusedConv com.microsoft::FusedGemm com.microsoft::FusedMatMul
      com.microsoft::FusedMatMulActivation com.microsoft::GatedAdd com.microsoft::GatedRMSNorm
      com.microsoft::GatedRelativePositionBias com.microsoft::GatherBlockQuantized com.microsoft::GatherND
      com.microsoft::Gelu com.microsoft::GemmFastGelu com.microsoft::GemmFloat8 com.microsoft::GreedySearch
      com.microsoft::GridSample com.microsoft::GroupNorm com.microsoft::HyperConnectionPostMix
      com.microsoft::HyperConnectionPreMix com.microsoft::Inverse com.microsoft::Irfft
      com.microsoft::IsAllFinite com.microsoft::LongformerAttention com.microsoft::MRotaryEmbedding
      com.microsoft::MatMulBlockQuantizedFp4Weight com.microsoft::MatMulBlockQuantizedFp8Weight
      com.microsoft::MatMulBnb4 com.microsoft::MatMulFpQ4 com.microsoft::MatMulInteger16
      com.microsoft::MatMulIntegerToFloat com.microsoft::MatMulNBits com.microsoft::MaxpoolWithMask
      com.microsoft::MoE com.microsoft::MulInteger com.microsoft::MurmurHash3 com.microsoft::NGramRepeatBlock
      com.microsoft::NhwcConv com.microsoft::NhwcFusedConv com.microsoft::NhwcMaxPool
      com.microsoft::PackedAttention com.microsoft::PackedMultiHeadAttention com.microsoft::Pad
      com.microsoft::QGemm com.microsoft::QLinearAdd com.microsoft::QLinearAveragePool
      com.microsoft::QLinearConcat com.microsoft::QLinearConv com.microsoft::QLinearGlobalAveragePool
      com.microsoft::QLinearLeakyRelu com.microsoft::QLinearMul com.microsoft::QLinearReduceMean
      com.microsoft::QLinearSigmoid com.microsoft::QLinearSoftmax com.microsoft::QLinearWhere
      com.microsoft::QMoE com.microsoft::QOrderedAttention com.microsoft::QOrderedGelu
      com.microsoft::QOrderedLayerNormalization com.microsoft::QOrderedLongformerAttention
      com.microsoft::QOrderedMatMul com.microsoft::QuantizeLinear com.microsoft::QuantizeWithOrder
      com.microsoft::QuickGelu com.microsoft::Range com.microsoft::ReduceSumInteger
      com.microsoft::RelativePositionBias com.microsoft::RestorePadding com.microsoft::Rfft
      com.microsoft::RotaryEmbedding com.microsoft::SampleOp com.microsoft::ScaledSiLU
      com.microsoft::SparseToDenseMatMul com.microsoft::Tokenizer com.microsoft::TorchEmbedding
      com.microsoft::TransposeMatMul com.microsoft::Trilu com.microsoft::UnfoldTensor
      com.microsoft::WordConvEmbedding
      """
    ),
    (
      2,
      """
      CausalConvWithState Dropout GRU LinearAttention MaxPool RNN SimplifiedLayerNormalization
      SoftmaxCrossEntropyLoss StringSplit TopK ai.onnx.ml::LinearClassifier ai.onnx.ml::SVMClassifier
      ai.onnx.ml::TreeEnsembleClassifier com.microsoft::Attention com.microsoft::BiasDropout
      com.microsoft::BifurcationDetector com.microsoft::BitmaskBiasDropout com.microsoft::BitmaskDropout
      com.microsoft::CausalConvWithState com.microsoft::DecoderMaskedSelfAttention com.microsoft::EngramGate
      com.microsoft::GemmaRotaryEmbedding com.microsoft::LinearAttention com.microsoft::LinearAttentionGate
      com.microsoft::MatMulNBitsMlp com.microsoft::NGramHashMapping com.microsoft::QAttention
      com.microsoft::QEmbedLayerNormalization com.microsoft::Sampling com.microsoft::SkipGroupNorm
      """
    ),
    (
      3,
      """
      DynamicQuantizeLinear LSTM LayerNormalization com.microsoft::AttnLSTM com.microsoft::BeamSearch
      com.microsoft::DecoderAttention com.microsoft::DynamicQuantizeLSTM
      com.microsoft::DynamicSparseAttention com.microsoft::EmbedLayerNormalization
      com.microsoft::GatedDeltaNet com.microsoft::PagedAttention com.microsoft::QuantizeBFP
      com.microsoft::SparseAttention com.microsoft::SparseAttentionIndexer
      com.microsoft::SparsePagedAttention com.microsoft::Unique com.microsoft::VarlenCausalConvWithState
      """
    ),
    (
      4,
      """
      Attention Unique com.microsoft::DecoderMaskedMultiHeadAttention com.microsoft::GroupQueryAttention
      com.microsoft::MatMulNBitsQkv com.microsoft::MultiHeadAttention com.microsoft::RemovePadding
      com.microsoft::SkipLayerNormalization com.microsoft::SkipSimplifiedLayerNormalization
      com.microsoft::VarlenNGramHashMapping
      """
    ),
    (
      5,
      """
      BatchNormalization com.microsoft::WhisperBeamSearch
      """
    ),
    (
      7,
      """
      com.microsoft::PackedSparseAttentionIndexer
      """
    ),
  ]

  /// Attributes by their type; those that differ between operators are left out.
  static let attributeKinds: [(AttributeKind, String)] = [
    (
      .float,
      """
      activation_gamma alpha beta bias clip cubic_coeff_a default_float epsilon extrapolation_value
      filter_value gamma head_weight_scale height_scale high lambd low mask_filter_value max mean min
      momentum presence_penalty qk_norm_epsilon ratio reduction_scale replaced_value_float softcap
      spatial_scale swiglu_limit temperature threshold top_p value_float width_scale
      """
    ),
    (
      .floats,
      """
      activation_params base_values class_weights coefficients imputed_value_floats intercepts kernel_params
      keys_floats nodes_values offset prob_a prob_b rho support_vectors target_weights value_floats
      values_floats weights
      """
    ),
    (
      .graph,
      """
      body decoder else_branch encoder init_decoder then_branch
      """
    ),
    (
      .int,
      """
      K N Nkv Nq accuracy_level activation_axis align_corners allowzero antialias auxiliary_kv_shared axis
      batch_axis batch_dims beginning_timestamp_token_id bfp_type bits blk_quant_type block_dim block_size
      blocksize broadcast causal ceil_mode center_point_box channels channels_last char_embedding_size
      chunk_size compress_ratio conv_window_size count_include_pad custom decoder_output_cross_qk
      decoder_start_token_id default_int64 detect_negative detect_positive dilation dim do_rotary dtype
      early_stopping embedding_size end eos_token_id exclude_outside exclusive expert_weight_bits
      fc1_expert_weight_bits fc2_expert_weight_bits fc3_expert_weight_bits fmod gather_axis group groups
      hidden_size ignore_index index_topk input_forget interleaved inverse is_bidirectional is_case_sensitive
      is_causal is_inner_broadcast is_packed_batching is_test isinf_only isnan_only k keepdims
      kv_cache_bit_width kv_num_heads largest layout left_window_size linear_before_reset local_window_size
      mark mask_index_type max_distance max_gram_length max_map max_ngram_size max_skip_count maxsplit
      min_gram_length min_ngram_size min_tokens_to_keep mincharnum model_type mrope_layout multi_class
      n_head_per_ngram n_supports n_targets ndim new_axis ngram_size no_repeat_ngram_size no_speech_token_id
      no_timestamps_token_id noop_with_empty_axes normalize_routing_weights normalized num_branches
      num_groups num_heads num_outputs num_scan_inputs offset_group one_class onesided opset order_A order_B
      order_X order_Y order_global_weight order_input order_output order_weight output_datatype output_dtype
      output_height output_qk output_sequence output_width pad_id pad_token_id past_present_share_buffer
      periodic positive precision q_num_heads qk_l2_norm qk_matmul_output_mode qk_output quantize_axis
      replaced_value_int64 reset_on_eos reverse right_window_size rotary_embedding_dim rotary_interleaved
      rotary_offset sample_size sampling_ratio saturate select_last_index signal_ndim size
      sliding_window_cache smooth_softmax softmax_precision sorted sparse_block_size spatial start
      start_of_lm_token_id stash_type state_capacity state_update_capacity state_window step storage_order
      swiglu_fusion targets time_axis token_budget training_mode transA transB transBatchA transBatchB
      transcribe_token_id translate_token_id unidirectional upper use_sparse_mixer v_head_size value_int
      vocab_size weight_prepacked weights_prepacked window zeros
      """
    ),
    (
      .ints,
      """
      axes cats_int64s class_ids class_nodeids class_treeids classlabels_int64s classlabels_ints
      consumed_inputs dilations directions ends imputed_value_int64s inputdimensions int64_vocabulary
      kernel_shape keys_int64s leaf_targetids mrope_section ngram_counts ngram_indexes nodes_falseleafs
      nodes_falsenodeids nodes_featureids nodes_missing_value_tracks_true nodes_nodeids nodes_treeids
      nodes_trueleafs nodes_truenodeids output_padding output_shape paddings pads perm pool_int64s
      pooled_shape qkv_hidden_sizes scan_input_axes scan_input_directions scan_output_axes
      scan_output_directions shape split starts strides target_ids target_nodeids target_treeids tree_roots
      value_ints values_int64s vectors_per_class
      """
    ),
    (
      .string,
      """
      activation_type approximate attention_mode auto_pad auxiliary_cache_layout beta_activation
      case_change_action cast_to coordinate_transformation_mode default_string delimiter direction equation
      gate_activation k_cache_dtype k_quant_type keep_aspect_ratio_policy kernel_type kv_cache_layout locale
      map_form metric mode nearest_mode norm pad_value padding_mode pattern pixel_format policy_mode
      reduction round_mode selected_kv_source tokenexp update_rule v_cache_dtype v_quant_type value_string
      """
    ),
    (
      .strings,
      """
      activations cats_strings classes_strings classlabels_strings keys_strings pool_strings separators
      stopwords string_vocabulary value_strings values_strings
      """
    ),
    (
      .tensor,
      """
      base_values_as_tensor class_weights_as_tensor default_tensor keys_tensor leaf_weights membership_values
      nodes_hitrates_as_tensor nodes_splits nodes_values_as_tensor target_weights_as_tensor values_tensor
      """
    ),
  ]
}
